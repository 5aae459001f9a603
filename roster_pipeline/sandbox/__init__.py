"""A made-up district to try everything on: its data, its SIS, its SFTP server and its Brightspace, all on loopback."""
