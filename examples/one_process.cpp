// one_process.cpp: a ventilator, a worker and a sink in one program.
// SPDX-License-Identifier: MIT
// prints: -1: 144
// begin readme
#include <sluice/sluice.hpp>
#include <sluice/typed.hpp>  // values instead of bytes; needs msgpack-cxx

// end readme
#include <chrono>
#include <cstdio>

int main() {
  // begin readme
  sluice::Sink sink({}, [](const sluice::OutcomeView& outcome) {  // once per task: keep it
    const std::string id = outcome.id.str();  // what throws here has this outcome come again
    if (outcome.status == sluice::Status::done)
      std::printf("%s: %d\n", id.c_str(), outcome.as<int>());
    else
      std::printf("%s: %s\n", id.c_str(), std::string(outcome.error).c_str());
  });

  sluice::VentilatorOptions options;
  options.sinks = {sink.endpoint()};
  sluice::Ventilator ventilator(options);

  sluice::Worker worker({.slots = 4});
  worker.on<int>("square", [](int x) { return x * x; });  // throw: the attempt failed
  worker.start(ventilator.endpoint());

  ventilator.submit(sluice::Task::of("square", 12));
  ventilator.wait_settled(std::chrono::seconds(10));
  // end readme
}
