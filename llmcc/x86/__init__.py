"""What x86-64 instructions, registers and features are: tables, no policy."""
