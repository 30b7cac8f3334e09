"""What applications may have and spend in the whole cluster: connections, and events a second."""
