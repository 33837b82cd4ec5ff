// typed.cpp: a program outside the project that has its values packed.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>
#include <sluice/typed.hpp>

#include <cstdio>
#include <string>
#include <vector>

struct Job {
  std::string file;
  std::vector<int> sizes;
  MSGPACK_DEFINE(file, sizes);
};

int main() {
  const sluice::Task task = sluice::Task::of("resize", Job{"a.jpg", {64, 128}});
  const Job job = sluice::unpack<Job>(task.payload);
  bool caught = false;
  try {
    (void)sluice::unpack<int>(task.payload);
  } catch (const sluice::WrongType&) {
    caught = true;
  }
  const bool ok = job.file == "a.jpg" && job.sizes.size() == 2 && caught;
  std::puts(ok ? "ok" : "the job did not survive its encoding");
  return ok ? 0 : 1;
}
