// main.cpp: a program outside the project, built against an installed sluice.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

// If a public header forced ZeroMQ or msgpack on its users, these would be defined.
#if defined(ZMQ_VERSION) || defined(MSGPACK_VERSION_MAJOR)
#error "a public header includes what only the library needs"
#endif

namespace {

using std::chrono::milliseconds;

bool failed = false;

void expect(bool truth, const char* what) {
  if (truth) return;
  std::printf("not so: %s\n", what);
  failed = true;
}

// What the library throws is the type that is caught here.
void errors_are_caught() {
  try {
    sluice::Worker worker({});
    worker.start("tcp://127.0.0.1:1");
    expect(false, "a worker without handlers starts");
  } catch (const sluice::Error& error) {
    expect(std::string(error.what()).find("handler") != std::string::npos, "the error has a text");
  }
}

// And what is thrown here is known in the library: Later and Reject by the sink, Fail by the
// worker.
void a_system_works() {
  std::atomic<int> put_off{0}, done{0}, failed_tasks{0}, tries{0};
  sluice::Sink sink({}, [&](const sluice::OutcomeView& outcome) {
    if (outcome.key == "later" && put_off.fetch_add(1) == 0) throw sluice::Later(milliseconds(1));
    if (outcome.key == "reject" && outcome.status == sluice::Status::done)
      throw sluice::Reject("not wanted");
    if (outcome.key == "fail") failed_tasks += outcome.error == "it broke";
    done += outcome.status == sluice::Status::done;
  });
  sluice::VentilatorOptions options;
  options.sinks = {sink.endpoint()};
  options.max_attempts = 1;
  sluice::Ventilator ventilator(options);
  sluice::WorkerOptions slots;
  slots.slots = 2;
  sluice::Worker worker(slots);
  worker.on("echo", [&tries](const sluice::TaskView& task) {
    if (task.key == "never") ++tries;
    if (task.key == "never") throw sluice::Fail("no attempt can help");
    if (task.key == "fail") throw std::runtime_error("it broke");
    return std::vector<std::byte>(task.payload.begin(), task.payload.end());
  });
  worker.start(ventilator.endpoint());
  for (const char* key : {"one", "later", "reject", "fail", "never"}) {
    sluice::Task task;
    task.type = "echo";
    task.key = key;
    if (task.key == "never") task.max_attempts = 9;
    expect(!ventilator.submit(task).str().empty(), "a task has an id");
  }
  expect(ventilator.wait_settled(std::chrono::seconds(30)), "all is settled in time");
  expect(done == 2 && put_off == 2, "what was put off came again, and both were stored");
  expect(sink.stats().rejected == 1, "what was rejected is known as that");
  expect(tries == 1, "a failure for good is not tried again");
  expect(failed_tasks == 1, "an exception's text is the task's error");
}

void handlers_can_be_tested() {
  sluice::testing::System system;
  system.on("nothing", [](const sluice::TaskView&) { return std::vector<std::byte>(); });
  sluice::Task task;
  task.type = "nothing";
  const std::vector<sluice::Outcome> outcomes = system.run({task});
  expect(outcomes.size() == 1 && outcomes[0].status == sluice::Status::done, "a system runs");
}

void commands_are_encoded() {
  sluice::Command command;
  command.argv = {"convert", "a.png", "a.jpg"};
  const auto read_back = sluice::Command::decode(command.encode());
  expect(read_back && read_back->argv == command.argv, "a command survives its encoding");
}

}  // namespace

int main() {
  errors_are_caught();
  a_system_works();
  handlers_can_be_tested();
  commands_are_encoded();
  if (!failed) std::puts("ok");
  return failed ? 1 : 0;
}
