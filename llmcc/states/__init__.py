"""Valid machine states for a region, made from the roles of its registers."""
