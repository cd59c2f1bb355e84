"""The table that a user brings: read from a file, brought into one form, its columns told apart."""
