#include "latency.h"

#include <string.h>

enum { STEP_NS = 10000, STEPS = 100000 };

static uint32_t histogram[STEPS + 1];
static uint64_t noted;

void clear_latency(void) {
    memset(histogram, 0, sizeof histogram);
    noted = 0;
}

void note_latency(uint64_t nanoseconds) {
    uint64_t step = nanoseconds / STEP_NS;
    histogram[step < STEPS ? step : STEPS]++;
    noted++;
}

double latency_ms(double share) {
    uint64_t below = 0, wanted = (uint64_t)((double)noted * share);
    int step = 0;
    while (step < STEPS && (below += histogram[step]) < wanted) step++;
    return noted ? (step + 1) * (STEP_NS / 1e6) : 0;
}
