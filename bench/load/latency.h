/* How long deliveries took: a histogram of 10 us steps up to a second; what is slower counts as a second. */
#ifndef LATENCY_H
#define LATENCY_H
#include <stdint.h>

void clear_latency(void);
void note_latency(uint64_t nanoseconds);

/* The time, in milliseconds, within which this share of the deliveries (0 to 1) was made. */
double latency_ms(double share);

#endif
