"""The pages of the catalogue: made from entries, the same below the dashboard and as a site of files."""
