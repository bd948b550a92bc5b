"""x"""
HELP="x"
def arguments(p): pass
def execute(o): return 0
