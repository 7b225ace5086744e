"""What a store promises about leases: neither early nor late, and all keys at once."""
