#!/usr/bin/env bash
# Two network namespaces as two hosts, two processes on each, joined by torchrun; needs root.
#   tests/end_to_end/two_hosts.sh model=mlp data=digits hydra.run.dir=two
# The arguments are train.py's. The run folder is written by the first process of the first host.
set -euo pipefail

train=$(realpath "$(dirname "$0")/../../train.py")
stop() { for host in a b; do ip netns del "digits-$host" 2>/dev/null || true; done; }
trap stop EXIT

ip netns add digits-a
ip netns add digits-b
ip link add digits0 netns digits-a type veth peer name digits0 netns digits-b
rank=0
for host in a b; do
    ip -n "digits-$host" address add "10.77.0.$((rank + 1))/24" dev digits0
    ip -n "digits-$host" link set digits0 up
    ip -n "digits-$host" link set lo up
    rank=$((rank + 1))
done

hosts=()
for rank in 0 1; do
    host=$([ $rank = 0 ] && echo a || echo b)
    GLOO_SOCKET_IFNAME=digits0 OMP_NUM_THREADS=1 ip netns exec "digits-$host" \
        torchrun --nproc-per-node 2 --nnodes 2 --node-rank $rank --master-addr 10.77.0.1 --master-port 29500 \
        --local-addr "10.77.0.$((rank + 1))" "$train" trainer=ddp trainer.devices=2 trainer.num_nodes=2 \
        trainer.accelerator=cpu "$@" &
    hosts+=($!)
done
wait "${hosts[0]}" && wait "${hosts[1]}"
