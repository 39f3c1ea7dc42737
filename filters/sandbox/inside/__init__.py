"""What runs inside the sandbox: the standard library only, for nothing else is there.

The *zygote* is an interpreter that forks two processes a test.  The *candidate* holds the code to be judged and answers calls; the
*referee* holds the tests and the verdict.  They share nothing but a pipe of plain data, so the verdict is not the code's to give.
"""
