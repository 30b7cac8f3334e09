/* The load generator: thousands of subscribers and a few publishers in one thread, told what to do over its input.
 *
 * usage: load HOST PORT APP_KEY
 *
 *   open COUNT WINDOW CHANNEL SPREAD              open clients; each subscribes to CHANNEL<its number % SPREAD>
 *   ids FILE                                      write the clients' socket ids to FILE, one a line
 *   subscribe FILE FIRST WINDOW                   clients from FIRST on send the subscriptions in FILE
 *   publish FILE PUBLISHERS RATE SECONDS FANOUT   send the signed requests in FILE, count what is delivered
 *   talk FILE MEMBERS WINDOW SECONDS              send the client events in FILE, count what is delivered
 *
 * A command is one line, its answer one line of JSON. At the end of the input all connections are reset.
 * Read client.h first, then the command you are after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "client.h"
#include "commands.h"

static operation under_way;

texts read_texts(const char *path) {
    struct stat status;
    texts read = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status)) fail_call(path);
    read.bytes = malloc((size_t)status.st_size);
    if (fread(read.bytes, 1, (size_t)status.st_size, file) != (size_t)status.st_size) fail_call(path);
    fclose(file);
    char *end = read.bytes + status.st_size;
    for (char *byte = read.bytes; byte < end; byte++) read.count += *byte == 0;
    read.text = calloc((size_t)read.count, sizeof *read.text);
    char *text = read.bytes;
    for (int i = 0; i < read.count; i++, text += strlen(text) + 1) read.text[i] = text;
    return read;
}

void free_texts(texts *read) {
    free(read->text);
    free(read->bytes);
}

static operation write_ids(const char *arguments) {
    char path[512];
    FILE *file = sscanf(arguments, "%511s", path) == 1 ? fopen(path, "w") : NULL;
    if (!file) fail_call("ids");
    for (int i = 0; i < totals.count; i++) fprintf(file, "%s\n", clients[i].socket_id);
    fclose(file);
    answer("{\"count\": %d}", totals.count);
    return (operation){0};
}

static const struct {
    const char *name;
    operation (*begin)(const char *arguments);
} commands[] = {
    {"open ", open_clients}, {"ids ", write_ids}, {"subscribe ", subscribe_clients},
    {"publish ", publish_events},   {"talk ", talk},
};

static void begin(const char *line) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t length = strlen(commands[i].name);
        if (strncmp(line, commands[i].name, length)) continue;
        under_way = commands[i].begin(line + length);
        return;
    }
    fail("unknown command");
}

static void input_ready(endpoint *point, uint32_t events) {
    static char line[1024];
    (void)point, (void)events;
    if (!fgets(line, sizeof line, stdin)) {
        reset_all_clients();
        exit(0);
    }
    begin(line);
}

/* As many open files as the system lets us have; the limit that is set by default is often 1,024. */
static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **argument) {
    static endpoint input = {.fd = 0, .ready = input_ready};
    if (count != 4) return 2;
    raise_file_limit();
    configure_clients(argument[1], atoi(argument[2]), argument[3]);
    configure_publishers(argument[1], atoi(argument[2]));
    watch(&input, EPOLLIN);
    run_loop(&under_way);
}
