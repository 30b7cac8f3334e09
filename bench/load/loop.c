#include "loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1024, CHECK_EVERY_MS = 20 };

static int epoll_fd = -1;

static void control(int action, endpoint *point, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = point};
    if (epoll_fd < 0) epoll_fd = epoll_create1(0);
    if (epoll_ctl(epoll_fd, action, point->fd, &event)) fail_call("epoll_ctl");
}

void watch(endpoint *point, uint32_t events) {
    control(EPOLL_CTL_ADD, point, events);
}

void watch_for(endpoint *point, uint32_t events) {
    control(EPOLL_CTL_MOD, point, events);
}

void close_endpoint(endpoint *point) {
    if (point->fd < 0) return;
    close(point->fd); /* which also takes it out of the epoll */
    point->fd = -1;
}

static void wait_for_events(void) {
    static struct epoll_event events[BATCH];
    int count = epoll_wait(epoll_fd, events, BATCH, CHECK_EVERY_MS);
    for (int i = 0; i < count; i++) {
        endpoint *point = events[i].data.ptr;
        if (point->fd >= 0) point->ready(point, events[i].events);
    }
}

void run_loop(operation *under_way) {
    for (;;) {
        wait_for_events();
        if (!under_way->finished || !under_way->finished()) continue;
        void (*report)(void) = under_way->report;
        *under_way = (operation){0};
        report();
    }
}

uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

double seconds_between(uint64_t start, uint64_t end) {
    return end > start ? (double)(end - start) / 1e9 : 0;
}

void answer(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

_Noreturn void fail(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

_Noreturn void fail_call(const char *name) {
    fprintf(stderr, "load: %s: %s\n", name, strerror(errno));
    exit(1);
}
