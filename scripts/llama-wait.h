// llama.cpp's threads wait for each other in loops of `_mm_pause`, and keep their processors. When another process has taken the
// processor of one of them, the others burn the time in which it could run. Here a thread that has waited for long gives its
// processor away; a short wait, as between the steps of a product of matrices, stays as it is.
#pragma once
#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sched.h>

enum { KINGLET_PAUSES = 1024 }; // some tens of microseconds
enum { KINGLET_NEW_WAIT_CYCLES = 4096 };

static inline void kinglet_wait(void) {
    static __thread unsigned long long last = 0;
    static __thread unsigned pauses = 0;
    const unsigned long long now = __builtin_ia32_rdtsc();
    pauses = now - last > KINGLET_NEW_WAIT_CYCLES ? 0 : pauses + 1;
    last = now;
    if (pauses < KINGLET_PAUSES) {
        _mm_pause();
    } else {
        sched_yield();
        last = __builtin_ia32_rdtsc();
    }
}
#define _mm_pause kinglet_wait
#endif
