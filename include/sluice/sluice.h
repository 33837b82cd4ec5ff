// sluice.h: workers and clients from C, and from every language that can call C.
// SPDX-License-Identifier: MIT
//
// C99. Link with libsluice (pkg-config: sluice; CMake: sluice::sluice).
//
// Errors. Functions that can fail return SLUICE_OK (0) or SLUICE_ERROR (-1); those that wait also
// SLUICE_TIMEOUT (1); those that make something return NULL when they fail. What went wrong, on
// what, and what to do about it is then told by sluice_last_error(). No C++ exception leaves the
// library.
//
// Texts are UTF-8, end with NUL, and are copied; what a function returns says how long it lives.
// Payloads and results are bytes, which sluice neither reads nor changes.
//
// Threads. Every function may be called from any thread, where it does not say otherwise. A
// *_free function is the last to be called, by nobody else at the same time.
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

#include <stddef.h>
#include <stdint.h>

#define SLUICE_C_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/// What functions return.
enum { SLUICE_OK = 0, SLUICE_TIMEOUT = 1, SLUICE_ERROR = -1 };

/// The text of this thread's last error; "" if there was none. It is good until this thread's next
/// call of a function that fails. Never NULL.
SLUICE_C_API const char* sluice_last_error(void);

/// "0.1.0". Lives as long as the program.
SLUICE_C_API const char* sluice_version(void);

// ---- Workers -------------------------------------------------------------------------------

/// Runs tasks by handlers. It has threads of its own, and reconnects by itself.
typedef struct sluice_worker sluice_worker;

/// A task in a handler's hands: it and all that its accessors return are the library's, and good
/// until the handler returns. Belongs to the handler's thread.
typedef struct sluice_task sluice_task;

/// Runs one task and answers, once, before it returns: by sluice_task_done(), or by one of
/// sluice_task_fail(), sluice_task_fail_at_once() and sluice_task_retry(). One that does not has
/// failed the attempt. Called on the worker's threads, as many at a time as it has slots; `user` is
/// what was given to sluice_worker_on(). Must not leave by longjmp or by an exception, and must not
/// call functions of its worker.
typedef void (*sluice_handler)(sluice_task* task, void* user);

/// What a worker may be told; 0 and NULL stand for the default. Set the whole to zeros first, and
/// `size` to sizeof(sluice_worker_options), so that later versions know which fields there are.
typedef struct sluice_worker_options {
  size_t size;
  const char* name;            ///< in status and outcomes, 128 bytes at most; "hostname-pid"
  uint32_t prefetch;           ///< tasks held per slot; 1: one at a time; 0: tunes itself
  uint32_t connect_timeout_ms; ///< for sluice_worker_start(); 0: for ever
  int stay; ///< not 0: when the ventilator ends, wait for another at its address
} sluice_worker_options;

/// Makes a worker that is not connected yet. `where`: a ventilator's endpoint (with "://") or the
/// path of an access file; NULL: the file that SLUICE_ACCESS names. `slots`: tasks run at once, at
/// most 4096; 0: as many as there are cores. `options` may be NULL. Free it by
/// sluice_worker_free(). NULL on errors: no such file, an option is out of range.
SLUICE_C_API sluice_worker* sluice_worker_new(const char* where, uint32_t slots,
                                              const sluice_worker_options* options);

/// Names the handler of a type (1 to 128 bytes); before sluice_worker_start(), from one thread. At
/// most 256 types. `user` is passed on and must live until the worker is freed.
SLUICE_C_API int sluice_worker_on(sluice_worker* worker, const char* type, sluice_handler handler,
                                  void* user);

/// Connects, and returns once the ventilator has welcomed the worker.
SLUICE_C_API int sluice_worker_start(sluice_worker* worker);

/// Waits until a worker that was started has ended: drained, stopped, or with its ventilator.
/// SLUICE_TIMEOUT after `timeout_ms`; below 0: for ever.
SLUICE_C_API int sluice_worker_wait(sluice_worker* worker, int64_t timeout_ms);

/// sluice_worker_start(), then sluice_worker_wait() for ever.
SLUICE_C_API int sluice_worker_run(sluice_worker* worker);

/// Takes no more tasks, gives back what has not started and finishes what runs, for at most
/// `deadline_ms`. Returns at once; then sluice_worker_wait().
SLUICE_C_API int sluice_worker_drain(sluice_worker* worker, int64_t deadline_ms);

/// Ends now, except that running handlers are awaited; their tasks run elsewhere.
SLUICE_C_API int sluice_worker_stop(sluice_worker* worker);

/// Stops and frees it. NULL is allowed. Not from a handler.
SLUICE_C_API void sluice_worker_free(sluice_worker* worker);

/// The task's id as people see it: "9f3a1c07-42".
SLUICE_C_API const char* sluice_task_id(const sluice_task* task);
SLUICE_C_API const char* sluice_task_type(const sluice_task* task);
/// The submitter's own name for it; "" if it has none.
SLUICE_C_API const char* sluice_task_key(const sluice_task* task);
/// The arguments; not NULL even if there are none.
SLUICE_C_API const void* sluice_task_payload(const sluice_task* task);
SLUICE_C_API size_t sluice_task_payload_size(const sluice_task* task);
/// Which execution this is, from 1.
SLUICE_C_API uint32_t sluice_task_attempt(const sluice_task* task);
/// 1 if a failure now is final, else 0.
SLUICE_C_API int sluice_task_is_last_attempt(const sluice_task* task);
/// Which of the worker's slots runs it, from 0: no two handlers have the same at one time.
SLUICE_C_API uint32_t sluice_task_slot(const sluice_task* task);
/// The submitter's limit of this execution; 0: none. Nobody ends a handler that goes on.
SLUICE_C_API int64_t sluice_task_timeout_ms(const sluice_task* task);

/// 1 if the submitter, the ventilator or sluice_worker_stop() wants it stopped, else 0. A handler
/// that looks may answer by sluice_task_fail(): the task ends as cancelled.
SLUICE_C_API int sluice_task_cancelled(const sluice_task* task);
/// Says how far it is, for people: UTF-8, cut to 512 bytes; `status` shows the latest text.
SLUICE_C_API int sluice_task_progress(const sluice_task* task, const char* text);

/// The task is done, and this is its result (copied; at most 4032 KiB with the ventilator's
/// default; NULL with size 0: none). SLUICE_ERROR if it was answered before.
SLUICE_C_API int sluice_task_done(sluice_task* task, const void* result, size_t size);

/// The attempt has failed; `why` is for people, cut to 512 bytes. SLUICE_ERROR if it was answered
/// before.
SLUICE_C_API int sluice_task_fail(sluice_task* task, const char* why);

/// The same, but no further attempt can help: the task fails at once.
SLUICE_C_API int sluice_task_fail_at_once(sluice_task* task, const char* why);

/// The attempt has failed; the next, if more are allowed, is made `after_ms` (1 at least) later.
SLUICE_C_API int sluice_task_retry(sluice_task* task, int64_t after_ms, const char* why);

// ---- Clients -------------------------------------------------------------------------------

/// Submits tasks to a ventilator in another process; reconnects by itself and sends again
/// without doubling anything. It has a thread of its own.
typedef struct sluice_client sluice_client;

/// The ventilator's answer to one posted task.
typedef enum sluice_answer {
  SLUICE_TAKEN = 0,     ///< `id` is its number
  SLUICE_DUPLICATE = 1, ///< its key is known: `id` is the first one's
  SLUICE_CONFLICT = 2,  ///< its key belongs to a task with another payload
  SLUICE_REFUSED = 3    ///< `why` says for what reason
} sluice_answer;

/// Called on the client's thread for each answer; the texts are good until it returns. It must
/// neither block nor call functions of its client. `ticket` is what sluice_client_post() gave.
typedef void (*sluice_on_answer)(uint64_t ticket, sluice_answer answer, const char* id,
                                 const char* why, void* user);

/// Connects; NULL if nothing answers within `timeout_ms` (0: 5 seconds). `where` as for
/// sluice_worker_new(). `on_answer` may be NULL. Free it by sluice_client_free().
SLUICE_C_API sluice_client* sluice_client_new(const char* where, int64_t timeout_ms,
                                              sluice_on_answer on_answer, void* user);

/// What may be said about a task beyond type and payload; 0 and NULL stand for the default.
/// `size` is sizeof(sluice_task_options).
typedef struct sluice_task_options {
  size_t size;
  const char* key;       ///< your own name for it, at most 128 bytes; of one name only the first
                         ///< task is taken
  uint32_t priority;     ///< higher goes first, within its type
  uint32_t max_attempts; ///< executions that may fail; 0: the ventilator's default
  int64_t delay_ms;      ///< not before so long after it was taken
  int64_t ttl_ms;        ///< expires if not settled by then; 0: never
  int64_t timeout_ms;    ///< limit of one execution; 0: none
} sluice_task_options;

/// Hands a task over and forgets it; blocks while 65,536 tasks or 64 MiB are unconfirmed. `payload`
/// is copied (at most 4032 KiB with the ventilator's default). `options` and `ticket` may be NULL;
/// `*ticket` counts 1, 2, ...
SLUICE_C_API int sluice_client_post(sluice_client* client, const char* type, const void* payload,
                                    size_t size, const sluice_task_options* options,
                                    uint64_t* ticket);

/// How a task has ended; the last two only a waiting client can learn.
typedef enum sluice_status {
  SLUICE_STATUS_DONE = 0,
  SLUICE_STATUS_FAILED = 1,
  SLUICE_STATUS_EXPIRED = 2,
  SLUICE_STATUS_CANCELLED = 3,
  SLUICE_STATUS_REFUSED = 254,  ///< the ventilator would not take it; the error says why
  SLUICE_STATUS_UNKNOWN = 255   ///< nobody waits any more; the task may still be settled
} sluice_status;

/// The one outcome of a task.
typedef struct sluice_outcome sluice_outcome;

/// Called on the client's thread, once for each task; the outcome is good until it returns. It must
/// not block, and of its client's functions it may use post and submit only, which fail there
/// instead of waiting for room.
typedef void (*sluice_on_outcome)(const sluice_outcome* outcome, void* user);

/// Hands a task over; its outcome comes by `on_outcome`, at the latest when the client is freed.
/// Blocks while 65,536 tasks are unconfirmed or awaited. The rest as sluice_client_post(). After
/// SLUICE_ERROR there is no call.
SLUICE_C_API int sluice_client_submit(sluice_client* client, const char* type, const void* payload,
                                      size_t size, const sluice_task_options* options,
                                      sluice_on_outcome on_outcome, void* user);

/// Hands a task over and waits for its outcome, which is the caller's: sluice_outcome_free(). After
/// `timeout_ms` (from 0 to a year) its status is SLUICE_STATUS_UNKNOWN, and the task goes on. NULL
/// on errors; not in a callback.
SLUICE_C_API sluice_outcome* sluice_client_call(sluice_client* client, const char* type,
                                                const void* payload, size_t size,
                                                const sluice_task_options* options,
                                                int64_t timeout_ms);

SLUICE_C_API sluice_status sluice_outcome_status(const sluice_outcome* outcome);
/// The task's id, "9f3a1c07-42"; "" if it was refused. This text, and the next two returns, live as
/// long as the outcome.
SLUICE_C_API const char* sluice_outcome_id(const sluice_outcome* outcome);
/// Why it is not done, for people; "" when done.
SLUICE_C_API const char* sluice_outcome_error(const sluice_outcome* outcome);
/// What the handler answered; not NULL even if it is empty.
SLUICE_C_API const void* sluice_outcome_result(const sluice_outcome* outcome);
SLUICE_C_API size_t sluice_outcome_result_size(const sluice_outcome* outcome);
/// Which execution it is the outcome of; 0: it never ran.
SLUICE_C_API uint32_t sluice_outcome_attempt(const sluice_outcome* outcome);
/// For what sluice_client_call() returned. NULL is allowed.
SLUICE_C_API void sluice_outcome_free(sluice_outcome* outcome);

/// Waits until the ventilator has answered for everything so far. SLUICE_TIMEOUT after
/// `timeout_ms`; below 0: for ever.
SLUICE_C_API int sluice_client_wait_confirmed(sluice_client* client, int64_t timeout_ms);

/// Tasks that the ventilator has not answered for yet; 0 for NULL.
SLUICE_C_API uint64_t sluice_client_unconfirmed(const sluice_client* client);

/// Disconnects and frees it; what is unconfirmed is given up: sluice_client_wait_confirmed() first.
/// Outcomes still awaited come now, with SLUICE_STATUS_UNKNOWN. NULL is allowed. Not from a
/// callback.
SLUICE_C_API void sluice_client_free(sluice_client* client);

#ifdef __cplusplus
}
#endif

#endif
