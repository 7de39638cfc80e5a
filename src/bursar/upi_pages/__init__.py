"""The page that shows a customer how to pay by UPI, and the images of its QR code."""
