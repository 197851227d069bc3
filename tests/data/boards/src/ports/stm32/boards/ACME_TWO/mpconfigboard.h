#include "boards/ACME_ONE/mpconfigboard.h"
