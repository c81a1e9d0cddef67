"""An installation described in a file: read whole, compared with the database, brought about in one transaction."""
