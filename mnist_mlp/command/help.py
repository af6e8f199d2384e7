"""What ``python train.py --help`` says."""

from pathlib import Path

HELP = """Trains a multilayer perceptron to read handwritten digits, tests it, and writes a
run folder with its scores, curves, checkpoints and TensorBoard files. Choose a
part by its name, change a setting by its key:

  python train.py                                  the 98 % model
  python train.py experiment=mlp                   one of the tutorial's models
  python train.py model=dropout optimizer=adam     any model, any optimizer
  python train.py 'model.hidden_sizes=[256,128]' trainer.max_epochs=10
  python train.py data=digits                      real digits without download
  python train.py data=folder data.root=my_digits  your images: my_digits/7/*.png
  python train.py -m model=perceptron,mlp seed=0,1 every combination, and a report
  python train.py study=dropout                    a prepared sweep
  python train.py search=optuna model=mlp          look for good settings
  python train.py resume=FOLDER                    continue a run or a sweep

What there is to choose from (group=name); launcher=parallel runs a sweep's jobs
side by side:

{groups}

python train.py --cfg job shows every setting and its value, --hydra-help what
else Hydra offers; tensorboard --logdir outputs shows the runs."""


def help_text(conf: Path) -> str:
    """Returns the help, with the options in the folder ``conf``.

    Hydra's own help lists its plugins' groups, which are of no use here, and takes a second longer.
    """
    groups = {path.name: sorted(option.stem for option in path.glob("*.yaml")) for path in sorted(conf.glob("*/"))}
    return HELP.format(groups="\n".join(f"  {group}: {', '.join(options)}" for group, options in groups.items()))
