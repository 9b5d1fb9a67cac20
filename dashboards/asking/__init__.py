"""A question about a site → the declared statistic that answers it → one SELECT on its view."""
