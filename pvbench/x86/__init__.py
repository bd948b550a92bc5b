"""Constants named and valued as in Linux and the Intel and AMD manuals."""
