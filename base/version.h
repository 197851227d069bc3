#ifndef FIRN_BASE_VERSION_H
#define FIRN_BASE_VERSION_H

#define FIRN_VERSION "0.1.0"

#endif
