import { expect, it } from 'vitest';
import { bothPlanners } from '../../builders/both-planners.ts';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

function aCluster(machineCount: number): SimulatedCluster {
  const cluster = new SimulatedCluster();
  cluster.planned = bothPlanners();
  for (let number = 1; number <= machineCount; number += 1) cluster.join(machineId(number));
  return cluster;
}

it('hears that a machine that once refused a unit is away', () => {
  const cluster = aCluster(3);
  const web = named('web');
  for (const number of [1, 2, 3]) cluster.refusing.add(`${machineId(number)} ${web}`);
  cluster.submit(web);
  cluster.plan();
  const first = cluster.placement(web)?.machine ?? machineId(0);
  for (const number of [1, 2, 3]) {
    if (machineId(number) !== first) cluster.refusing.delete(`${machineId(number)} ${web}`);
  }
  cluster.settle();
  expect(cluster.placement(web)?.refusals.map(({ machine }) => machine)).toEqual([first]);
  cluster.vanish(first, 'partition');
  cluster.plan();
  expect(cluster.placement(web)?.refusals).toEqual([]);
});

it('moves a unit that has no order yet when its machine vanishes', () => {
  const cluster = aCluster(3);
  const web = named('web');
  cluster.submit(web, { machineId: machineId(1) });
  cluster.settle();
  cluster.submit(web); // its old self is to go first, so the new one waits for that
  cluster.setMachine(machineId(1), { leaving: true });
  cluster.plan();
  cluster.plan();
  const machine = cluster.placement(web)?.machine ?? machineId(0);
  expect(cluster.order(machine, web)?.want ?? 'none').not.toBe('launch');
  cluster.vanish(machine, 'power');
  cluster.plan();
  expect(cluster.placement(web)?.machine).not.toBe(machine);
});

it('fills a room that has emptied before the others', () => {
  const cluster = aCluster(3);
  for (let number = 0; number < 9; number += 1) cluster.submit(named(`app-${number}`));
  cluster.settle();
  const one = machineId(2);
  for (const unit of [...cluster.units.keys()]) {
    if (cluster.placement(unit)?.machine === one) cluster.change(unit, { gone: true });
  }
  cluster.settle();
  for (let number = 0; number < 3; number += 1) {
    cluster.submit(named(`new-${number}`));
    cluster.settle();
    expect(cluster.placement(named(`new-${number}`))?.machine).toBe(one);
  }
});
