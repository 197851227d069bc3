# Files for import statements, at an address of the machine's memory. _4: {path: (address, size)}, and
# {path: 0} for a directory; paths are bytes.
import io,os,uctypes
class _10(io.IOBase):
 def __init__(_2,_3):_2._11,_2._12=_3
 def readinto(_2,_3):
  _4=min(len(_3),_2._12)
  _3[:_4]=uctypes.bytearray_at(_2._11,_4)
  _2._11+=_4
  _2._12-=_4
  return _4
 def ioctl(_2,_3,_4):return 0
class _13:
 def __init__(_2,_4):_2._14=_4
 def mount(_2,*_3):pass
 def umount(_2):pass
 def chdir(_2,_3):pass
 def stat(_2,_3):
  _4=_2._14.get(_3.encode())
  if _4 is None:raise OSError(2)
  return(32768 if _4 else 16384,)+(0,)*9
 def open(_2,_3,_4):return _10(_2._14[_3.encode()])
def _15(_4):
 os.mount(_13(_4),"/_")
 sys.path[:]=["/_"]
