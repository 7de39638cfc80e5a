"""What runs beside the requests, by role: in the server, or in processes of its own."""
