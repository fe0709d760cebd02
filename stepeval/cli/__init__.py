"""The command line. Importing it loads click and nothing heavier."""
