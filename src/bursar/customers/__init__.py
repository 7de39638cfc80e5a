"""Customers: whom payments come from."""
