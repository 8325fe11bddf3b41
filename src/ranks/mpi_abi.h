/* What a plug-in gives to lathe: the few functions of one MPI implementation that a run of several ranks needs, as C.
 * The binary links no MPI. Implementations differ in their ABI, so there is a plug-in for each (plugins/mpi), and the
 * one that fits what started the process is opened at run time.
 *
 * Functions return 0, or another number and a sentence in `why` (kLatheMpiWhy bytes). One thread at a time. */
#ifndef LATHE_RANKS_MPI_ABI_H
#define LATHE_RANKS_MPI_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { kLatheMpiVersion = 1, kLatheMpiWhy = 512 };

typedef struct LatheMpi {
  int32_t version; /* kLatheMpiVersion: how the rest is laid out */
  /* Starts MPI, for calls of one thread at a time. */
  int (*begin)(int* rank, int* size, char* why);
  /* `*request` is a number to ask about. */
  int (*send)(int to, int tag, const void* data, int64_t bytes, int* request, char* why);
  int (*receive)(int from, int tag, void* data, int64_t bytes, int* request, char* why);
  int (*test)(int request, int* done, char* why);
  int (*end)(char* why);
  void (*abort)(int exit_code);
} LatheMpi;

/* The one symbol that a plug-in exports: `const LatheMpi* lathe_mpi(void)`. */
#define LATHE_MPI_SYMBOL "lathe_mpi"

#ifdef __cplusplus
}
#endif
#endif
