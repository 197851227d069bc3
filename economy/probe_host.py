# Files for import statements, which the host has: it is asked for them on the terminal, and answers in
# hexadecimal digits, of which none interrupts a program (economy/file_server.h).
import io,os,sys
from binascii import unhexlify
class _10(io.IOBase):
 def __init__(_2,_3):_2._11,_2._12=_3,0
 def readinto(_2,_3):
  print("\n%s? %d %d %s"%(_13._14,_2._12,len(_3),_2._11))
  _4=int(sys.stdin.read(2),16)
  _3[:_4]=unhexlify(sys.stdin.read(2*_4))
  _2._12+=_4
  return _4
 # The buffer of whoever reads.
 def ioctl(_2,_3,_4):return 96 if _3==11 else 0
class _13:
 def mount(_2,*_3):pass
 def umount(_2):pass
 def chdir(_2,_3):pass
 def stat(_2,_3):
  print("\n%s? stat %s"%(_2._14,_3))
  _4=int(sys.stdin.read(1))
  if not _4:raise OSError(2)
  return(32768 if _4==1 else 16384,)+(0,)*9
 def open(_2,_3,_4):return _10(_3)
def _15(_4):
 _13._14=_4
 os.mount(_13(),"/_")
 sys.path[:]=["/_"]
