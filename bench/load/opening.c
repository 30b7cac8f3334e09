/* Opening many clients, a bounded number of them at a time, and subscribing them. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"

static struct {
    int wanted, begun, settled, window;
    char channel[128]; /* the beginning of the channels' names; empty: only open, don't subscribe */
    int spread;        /* over how many channels */
    int first;         /* the client that says the first of `said` */
    texts said;
    uint64_t started, last_progress;
} run;

static void subscribe_to_own_channel(client *c) {
    char text[256];
    int length = snprintf(text, sizeof text, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s%u\"}}",
                          run.channel, c->index % (uint32_t)run.spread);
    c->state = SUBSCRIBING;
    send_frame(c, TEXT, text, (size_t)length);
}

static void settle(client *c) {
    (void)c;
    run.settled++;
    run.last_progress = now_ns();
}

static void greeted(client *c) {
    if (run.channel[0]) subscribe_to_own_channel(c);
    else settle(c);
}

/* Who dies before it had what it asked for won't get it any more; others don't concern this command. */
static void died(client *c, enum client_state before) {
    bool asked = run.channel[0] ? before < SUBSCRIBED : before < GREETED || before == SUBSCRIBING;
    if (asked) settle(c);
}

static void open_more(void) {
    while (run.begun < run.wanted && run.begun - run.settled < run.window) {
        run.begun++;
        open_client();
    }
}

static bool all_settled(void) {
    return run.settled == run.wanted || now_ns() - run.last_progress > GIVE_UP_NS;
}

static bool all_opened(void) {
    open_more();
    return all_settled();
}

static void open_next(client *c) {
    settle(c);
    open_more();
}

static void report(void) {
    hooks = (client_hooks){0};
    free_texts(&run.said);
    answer("{\"settled\": %d, \"dead\": %d, \"errors\": %d, \"close_code\": %d, \"seconds\": %.6f}", run.settled,
           totals.dead, totals.errors, totals.close_code, seconds_between(run.started, run.last_progress));
}

/* open COUNT WINDOW CHANNEL SPREAD, with "-" for no channel. */
operation open_clients(const char *arguments) {
    memset(&run, 0, sizeof run);
    if (sscanf(arguments, "%d %d %127s %d", &run.wanted, &run.window, run.channel, &run.spread) != 4) fail("open");
    if (strcmp(run.channel, "-") == 0) run.channel[0] = 0;
    hooks = (client_hooks){.greeted = greeted, .subscribed = open_next, .died = died};
    run.started = run.last_progress = now_ns();
    open_more();
    return (operation){all_opened, report};
}

static void say_more(void) {
    while (run.begun < run.wanted && run.begun - run.settled < run.window) {
        const char *text = run.said.text[run.begun];
        client *c = &clients[run.first + run.begun++];
        if (c->state != GREETED) fail("subscribe: a client that isn't there, or subscribed before");
        c->state = SUBSCRIBING;
        send_frame(c, TEXT, text, strlen(text));
    }
}

static bool all_subscribed(void) {
    say_more();
    return all_settled();
}

static void subscribe_next(client *c) {
    settle(c);
    say_more();
}

/* subscribe FILE FIRST WINDOW: text i of the file is what client FIRST + i says. */
operation subscribe_clients(const char *arguments) {
    char path[512];
    memset(&run, 0, sizeof run);
    if (sscanf(arguments, "%511s %d %d", path, &run.first, &run.window) != 3) fail("subscribe");
    run.said = read_texts(path);
    run.wanted = run.said.count;
    hooks = (client_hooks){.subscribed = subscribe_next, .died = died};
    run.started = run.last_progress = now_ns();
    say_more();
    return (operation){all_subscribed, report};
}
