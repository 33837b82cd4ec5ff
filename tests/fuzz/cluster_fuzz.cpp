// cluster_fuzz.cpp: hostile peers at a ventilator and a sink, beside honest ones.
// SPDX-License-Identifier: MIT
#include "fuzz/cluster.hpp"

SLUICE_FUZZ(cluster) {
  using namespace sluice::fuzz;
  Choices choices(input);
  Cluster cluster(choices);
  for (int i = 0; choices.more() && i < 2000; ++i) cluster.step();
  cluster.heal();
}
