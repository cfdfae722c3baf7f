"""What the components that train share."""
