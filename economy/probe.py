# What runs in the interpreter that is measured. Its own names become qstrs there, too: none of them
# may be one that a module brings, or it would not be counted there. Strings of more than ten
# characters are no qstrs. All that the measuring itself takes is there before the first number.
import gc,sys,micropython
# Import modules (bytes each) in a fresh interpreter; _3: the mark of our own lines, _4: a clock, _5:
# print the heap, too.
def _1(_2,_3,_4,_5):
 _2=[str(_6,"utf8")for _6 in _2]
 _6=list(sys.modules)
 _7=None
 gc.collect()
 gc.collect()
 micropython.qstr_info()
 print("\n%s before %d %d"%(_3,gc.mem_alloc(),gc.mem_free()))
 _8=_4()
 try:
  for _9 in _2:__import__(_9)
 except BaseException as _0:_7=_0
 _8=_4()-_8
 gc.collect()
 gc.collect()
 print("\n%s after %d %d %d %d"%(_3,gc.mem_alloc(),gc.mem_free(),_8,_7 is None))
 micropython.qstr_info(1)
 print("\n%s modules"%_3)
 for _9 in sys.modules:
  if _9 not in _6:print(_9)
 print("\n%s touched"%_3)
 _9=sys.modules.get("_firn_stub_"[:-1])
 if _9:
  for _0 in _9._16:print(_0)
 print("\n%s traceback"%_3)
 if _7:sys.print_exception(_7)
 print("\n%s heap info"%_3)
 if _5:micropython.mem_info(1)
 print("\n%s all done"%_3)
