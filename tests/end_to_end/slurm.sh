#!/usr/bin/env bash
# A one-node Slurm cluster in a folder of its own: starts it, runs the command that is given, stops it.
#   tests/end_to_end/slurm.sh python train.py -m launcher=slurm model=perceptron,mlp
# Needs root and Debian's slurm-wlm and munge. Plain nproc would heed the OMP_NUM_THREADS of the tests.
set -euo pipefail

folder=$(mktemp -d)
chmod 755 "$folder"
export SLURM_CONF=$folder/slurm.conf
started=()
stop() {
    for _ in $(seq 50); do  # a job ends after its result is there; without the cluster its processes would stay
        [ "$(squeue --noheader 2>/dev/null)" ] || break
        sleep 0.2
    done
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait "${started[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

mkdir "$folder/state" "$folder/spool"
head -c 1024 /dev/urandom > "$folder/key"
chmod 400 "$folder/key"
cat > "$SLURM_CONF" <<END
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmctldPort=${SLURMCTLD_PORT:-16817}
SlurmdPort=${SLURMD_PORT:-16818}
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=8000 State=UNKNOWN
PartitionName=digits Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

munged --foreground --force --socket="$folder/munge.socket" --key-file="$folder/key" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" 2> /dev/null &
started+=($!)
until [ -S "$folder/munge.socket" ]; do sleep 0.1; done
slurmctld -D 2> /dev/null & started+=($!)
slurmd -D -N "$(hostname -s)" 2> /dev/null & started+=($!)
for _ in $(seq 100); do
    sinfo --noheader --format=%T 2>/dev/null | grep -q idle && ready=yes && break
    sleep 0.2
done
[ "${ready:-}" ] || { tail -n 20 "$folder"/*.log >&2; echo "the cluster did not start" >&2; exit 1; }

"$@"
