"""The paper's own environment: whole C programs, their gcc -O3 assembly and stdin/stdout tests."""
