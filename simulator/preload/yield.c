/*
 * Loaded into the programs on a simulated bus, before umockdev's library: makes its ioctls faster.
 *
 * After each ioctl on a device node umockdev calls usleep(0), so that other threads get at the
 * node. The kernel makes a timer and two switches of that, three times for a transfer; giving up
 * the processor does what is meant.
 */
#include <sched.h>
#include <time.h>
#include <unistd.h>

int usleep(useconds_t useconds)
{
    const struct timespec time = {(time_t)(useconds / 1000000), (long)(useconds % 1000000) * 1000};
    return useconds == 0 ? sched_yield() : nanosleep(&time, NULL);
}
