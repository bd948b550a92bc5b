"""What people read: tables, and the sentences below them."""
