/* The kernel's own price of a fan-out: one send() per delivery to loopback TCP sockets, with nothing around it.
 *
 * One thread sends ROUNDS frames of FRAME bytes to each of SOCKETS sockets; another, on its own core, reads them all.
 * It is the yardstick of the scenarios: what a server needs above it is the server's, whatever the machine.
 *
 * usage: send SOCKETS ROUNDS FRAME SENDING_CORE READING_CORE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 512, READ_ROOM = 1 << 20 };

static int sockets, rounds, frame_bytes, reading_core;
static int *readers, *senders;

static void check(int result, const char *call) {
    if (result >= 0) return;
    perror(call);
    exit(1);
}

static void pin_to(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void connect_pairs(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, SOMAXCONN), "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    for (int i = 0; i < sockets; i++) {
        readers[i] = socket(AF_INET, SOCK_STREAM, 0);
        check(connect(readers[i], (struct sockaddr *)&address, sizeof address), "connect");
        check(senders[i] = accept(listener, NULL, NULL), "accept");
        setsockopt(senders[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

static void *read_all(void *unused) {
    static char room[READ_ROOM];
    struct epoll_event event = {.events = EPOLLIN}, events[BATCH];
    long missing = (long)sockets * rounds * frame_bytes;
    int poll = epoll_create1(0);
    pin_to(reading_core);
    for (int i = 0; i < sockets; i++) {
        event.data.fd = readers[i];
        check(epoll_ctl(poll, EPOLL_CTL_ADD, readers[i], &event), "epoll_ctl");
    }
    while (missing > 0) {
        int count = epoll_wait(poll, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            ssize_t got = recv(events[i].data.fd, room, sizeof room, MSG_DONTWAIT);
            if (got > 0) missing -= got;
        }
    }
    return unused;
}

static void send_all(const char *frame) {
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < sockets; i++)
            if (send(senders[i], frame, (size_t)frame_bytes, 0) != frame_bytes) check(-1, "send");
}

int main(int count, char **argument) {
    if (count != 6) return 2;
    sockets = atoi(argument[1]), rounds = atoi(argument[2]), frame_bytes = atoi(argument[3]);
    reading_core = atoi(argument[5]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    readers = calloc((size_t)sockets, sizeof *readers);
    senders = calloc((size_t)sockets, sizeof *senders);
    connect_pairs();

    pthread_t reader;
    pthread_create(&reader, NULL, read_all, NULL);
    pin_to(atoi(argument[4]));
    char *frame = calloc(1, (size_t)frame_bytes);
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    send_all(frame);
    wall = seconds_of(CLOCK_MONOTONIC) - wall, cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    pthread_join(reader, NULL);
    printf("{\"sends\": %ld, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", (long)sockets * rounds, wall, cpu);
}
