"""The sandbox's SIS: OneRoster 1.1 over REST, as the standard has it, with faults to switch on."""
