// libzmq_threads.cpp: in builds for ThreadSanitizer, libzmq's own threads are not looked at.
// SPDX-License-Identifier: MIT
#include <string_view>

#include <dlfcn.h>
#include <pthread.h>

// Debian's libzmq is not compiled for ThreadSanitizer, which sees only what its threads do in
// memcpy, malloc or strings of libstdc++, not how they hand it over, and takes that for races. A
// suppression that names libzmq misses where a stack was forgotten, or ends in libstdc++. So what
// those threads read and write does not count; their locks and system calls do. They are known
// by the names that they give themselves.

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

// Until the thread ends: the sanitizer insists on it.
struct NotLookedAt {
  NotLookedAt() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~NotLookedAt() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};

}  // namespace

extern "C" int pthread_setname_np(pthread_t thread, const char* name) noexcept {
  if (pthread_equal(thread, pthread_self()) != 0 && std::string_view(name).starts_with("ZMQbg")) {
    thread_local const NotLookedAt until_its_end;
    (void)until_its_end;
  }
  using SetName = int (*)(pthread_t, const char*);
  static const auto set_name = reinterpret_cast<SetName>(dlsym(RTLD_NEXT, "pthread_setname_np"));
  return set_name(thread, name);
}
