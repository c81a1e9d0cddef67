"""What pages of the dashboard and of the catalogue share: style sheets, small modules, components, icons, filters."""
