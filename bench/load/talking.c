/* Client events: the members of many channels talk at once, each to all the others of its channel.
 *
 * Client i is in channel i / MEMBERS. A channel holds a fixed number of events under way: when one has reached all
 * the other members, the member whose turn it is sends the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"

typedef struct {
    uint64_t sent, delivered;
} conversation;

static struct {
    int members, window, channels;
    texts said;
    conversation *channel;
    uint64_t started, until, last_progress;
} run;

static int first_member(int channel) {
    return channel * run.members;
}

static void send_next(int channel) {
    conversation *c = &run.channel[channel];
    int speaker = first_member(channel) + (int)(c->sent % (uint64_t)run.members);
    const char *text = run.said.text[speaker];
    c->sent++;
    send_frame(&clients[speaker], TEXT, text, strlen(text));
}

static void delivered(client *c, uint32_t number) {
    (void)number;
    conversation *heard = &run.channel[c->index / (uint32_t)run.members];
    run.last_progress = now_ns();
    if (++heard->delivered % (uint64_t)(run.members - 1) == 0 && run.last_progress < run.until)
        send_next((int)(c->index / (uint32_t)run.members));
}

static conversation sum(void) {
    conversation all = {0, 0};
    for (int i = 0; i < run.channels; i++) {
        all.sent += run.channel[i].sent;
        all.delivered += run.channel[i].delivered;
    }
    return all;
}

static bool all_heard(void) {
    uint64_t now = now_ns();
    if (now < run.until) return false;
    conversation all = sum();
    return all.delivered == all.sent * (uint64_t)(run.members - 1) || now - run.last_progress > GIVE_UP_NS;
}

static void report(void) {
    conversation all = sum();
    hooks = (client_hooks){0};
    free_texts(&run.said);
    free(run.channel);
    answer("{\"sent\": %lu, \"delivered\": %lu, \"seconds\": %.6f, \"dead\": %d, \"errors\": %d}", all.sent,
           all.delivered, seconds_between(run.started, run.last_progress), totals.dead, totals.errors);
}

/* talk FILE MEMBERS WINDOW SECONDS: text i of the file is what client i says in its turn. */
operation talk(const char *arguments) {
    char path[512];
    double seconds;
    memset(&run, 0, sizeof run);
    if (sscanf(arguments, "%511s %d %d %lf", path, &run.members, &run.window, &seconds) != 4) fail("talk");
    run.said = read_texts(path);
    run.channels = run.said.count / run.members;
    run.channel = calloc((size_t)run.channels, sizeof *run.channel);
    hooks = (client_hooks){.delivered = delivered};
    run.started = run.last_progress = now_ns();
    run.until = run.started + (uint64_t)(seconds * 1e9);
    for (int i = 0; i < run.channels; i++)
        for (int j = 0; j < run.window; j++) send_next(i);
    return (operation){all_heard, report};
}
