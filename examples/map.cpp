// map.cpp: a function over a vector, on threads of this process.
// SPDX-License-Identifier: MIT
// prints: 1000 squared is 1000000
// begin readme
#include <sluice/sluice.hpp>
#include <sluice/typed.hpp>  // values instead of bytes; needs msgpack-cxx

// end readme
#include <iostream>
#include <numeric>

int main() {
  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 1);

  // begin readme
  sluice::Pool pool({.workers = 4});  // 0: workers connect from elsewhere, to pool.endpoint()
  pool.on<int>("square", [](int x) { return x * x; });  // throw: the attempt failed

  const std::vector<int> squares = pool.map<int>("square", numbers);  // in order
  std::future<sluice::Outcome> nine = pool.submit("square", 3);
  pool.submit("square", 4, [](const sluice::Outcome& outcome) {  // done, failed, expired, cancelled
    if (outcome.status == sluice::Status::done) std::cout << outcome.as<int>() << '\n';
  });
  pool.wait();
  // end readme
  std::cout << "1000 squared is " << squares.back() << ", and 3 is " << nine.get().as<int>()
            << '\n';
}
