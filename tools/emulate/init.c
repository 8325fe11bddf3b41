// Process 1 of the emulated machine: runs /test with the arguments of /args, prints its exit status between marks
// that run.sh looks for, and switches the emulator off.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void open_console(void) {
  int console = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
  for (int fd = 0; fd < 3 && console >= 0; ++fd) dup2(console, fd);
  setvbuf(stdout, NULL, _IONBF, 0);
}

// One argument per line.
static char** read_arguments(void) {
  static char text[65536];
  static char* arguments[256] = {"/test"};
  FILE* file = fopen("/args", "r");
  text[file ? fread(text, 1, sizeof text - 1, file) : 0] = 0;
  int count = 1;
  for (char* line = strtok(text, "\n"); line && count < 255; line = strtok(NULL, "\n")) arguments[count++] = line;
  return arguments;
}

static int run_test(void) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("LATHE_TEST_EMULATED", "1", 1);
    setenv("TERM", "dumb", 1);  // no colours
    execv("/test", read_arguments());
    perror("/test");
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return 126;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void) {
  mount("devtmpfs", "/dev", "devtmpfs", 0, "");
  mount("proc", "/proc", "proc", 0, "");
  mount("tmpfs", "/tmp", "tmpfs", 0, "");
  open_console();
  printf("\n@@begin@@\n");
  const int status = run_test();
  printf("\n@@exit %d@@\n", status);
  tcdrain(1);
  usleep(20000);  // the last characters are still in the emulated UART
  if (iopl(3) == 0)
    for (const char* c = "Shutdown"; *c; ++c) outb(*c, 0x8900);  // Bochs' own power switch
  for (;;) pause();
}
