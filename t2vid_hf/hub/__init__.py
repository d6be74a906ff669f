"""Cards and publishing: a folder that is a complete Hub repository, and the way onto the Hub."""
