"""pvbench: which way of sending IPIs is best for a guest, and how sure are we?"""
