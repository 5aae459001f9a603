"""The way back: from gradebooks to the SIS's line items and results. Ignorant of where the gradebook was read."""
