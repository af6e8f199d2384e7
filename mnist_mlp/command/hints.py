"""What was meant by a name that is none here: the names of Keras, Lightning and others, and typing errors."""

from collections.abc import Collection
from difflib import get_close_matches

from mnist_mlp.command.options import options
from mnist_mlp.errors import InputError

# What a thing is called elsewhere, without its underscores, and here. An empty name: there is no such setting.
ELSEWHERE = {
    "optimizer.lr": "learningrate rate eta alpha initlr baselr maxlr",
    "trainer.max_epochs": "epoch epochs numepochs nepochs nbepoch nepoch numtrainepochs",
    "data.batch_size": "batch bs trainbatchsize minibatch minibatchsize batches",
    "model.hidden_sizes": "units unit neurons hidden hiddensize hiddenunits hiddenneurons hiddendim hiddendims width"
    " layers layer numlayers nlayers hiddenlayers depth layersizes numunits numhidden nhidden",
    "model.dropout": "dropoutrate drop droprate pdropout",
    "model.activation": "act activationfn activationfunction nonlinearity",
    "model.batch_norm": "bn batchnormalization norm",
    "model": "network net arch architecture backbone modelname modeltype modelclass",
    "optimizer": "optimiser optim opt solver optimizername optimizertype",
    "optimizer.momentum": "sgdmomentum",
    "optimizer.weight_decay": "decay wd l2 regularization weightdecayrate",
    "loss": "criterion lossfn lossfunction objective losses lossname",
    "loss.label_smoothing": "smoothing",
    "scheduler": "schedule sched lrscheduler lrschedule schedulers",
    "augment": "augmentation augmentations aug dataaugmentation transform transforms",
    "average": "ema swa movingaverage",
    "data": "dataset datasets ds dataname datasetname",
    "data.root": "dir path folder datadir dataroot datapath datafolder rootdir mnistroot",
    "data.val_fraction": "validationsplit valsplit validationfraction valsize validationsize split val validation",
    "seed": "randomseed randomstate rng manualseed seedeverything seeds",
    "trainer=gpu or trainer=cpu": "device gpu cuda cpu mps usecuda usegpu nocuda nogpu",
    "trainer.devices": "gpus numgpus ngpus ndevices numdevices",
    "trainer.gradient_clip_val": "clip gradclip gradientclip clipnorm clipvalue clipgradnorm maxgradnorm",
    "experiment": "exp experiments recipe preset",
    "search": "tune tuner hparamssearch hyperparametersearch",
    "hydra.run.dir": "output outputs outputdir outdir out savedir save logdir rundir workdir",
    "resume": "ckpt ckptpath checkpointpath continue restore resumefrom load loadfrom pretrained",
    "": "mode metrics metric name verbose shuffle workers numworkers pinmemory patience config steps debug callback",
}
MEANT = {name: here for here, names in ELSEWHERE.items() for name in names.split()}


def meant(key: str, known: Collection[str]) -> str | None:
    """Returns what was meant by a key that is unknown: a key, a group, or a choice; None if that is not plain.

    Args:
        key: What was typed, with or without a group, such as ``learning_rate`` or ``model.units``.
        known: All keys that there are.
    """
    names = [*known, *options()]
    plain = {name.replace("_", ""): name for name in names}
    typed = joined(key)
    name = typed.rpartition(".")[2]
    alike = [known_key for short, known_key in plain.items() if short.rpartition(".")[2] == name]
    for found in (plain.get(typed), plain.get(name), MEANT.get(name), alike[0] if len(alike) == 1 else None):
        if found is not None:
            return found or None
    if swapped := [name for name in names if sorted(name) == sorted(key.lower())]:  # letters in another order
        return swapped[0]
    alike = get_close_matches(key.lower(), known if "." in key else names, n=1, cutoff=0.8)
    return alike[0] if alike else None


def joined(name: str) -> str:
    """Returns a name in small letters, without what joins its words."""
    return name.lower().replace("-", "").replace("_", "")


# What an option is called elsewhere, without its underscores, by group.
OPTIONS_ELSEWHERE = {
    "model": {"nn": "mlp", "linear": "perceptron", "softmax": "perceptron", "logistic": "perceptron"}
    | {"model1": "perceptron", "model2": "mlp", "model3": "dropout", "model4": "wide"},
    "loss": {
        "crossentropy": "cross_entropy",
        "categoricalcrossentropy": "cross_entropy",
        "crossentropyloss": "cross_entropy",
    }
    | {"sparsecategoricalcrossentropy": "cross_entropy", "binarycrossentropy": "bce", "bceloss": "bce"}
    | {"meansquarederror": "mse", "mseloss": "mse"},
    "data": {"fashion": "fashion_mnist", "sklearn": "digits", "imagefolder": "folder", "own": "folder"},
    "trainer": {"cuda": "gpu", "ddpspawn": "ddp", "mps": "auto"},
    "optimizer": {"momentum": "nesterov"}
    | dict.fromkeys(["nadam", "radam", "adamax", "adagrad", "adadelta", "rprop"], ""),
    "experiment": {"1": "perceptron", "2": "mlp", "3": "dropout", "4": "wide", "fast": "speedrun", "best": "record"},
    "launcher": {"joblib": "parallel", "submitit": "slurm"},
}
OPTIONS_ELSEWHERE["experiment"] |= {name: option for name, option in OPTIONS_ELSEWHERE["model"].items() if name != "nn"}


def no_such_option(group: str, name: str, names: Collection[str]) -> InputError:
    """Returns the error for an option that a group, which has the options ``names``, does not have."""
    plain = {option.replace("_", ""): option for option in names}
    typed = joined(name)
    near = [plain[match] for match in get_close_matches(typed, plain, n=1, cutoff=0.75)]
    option = (plain | OPTIONS_ELSEWHERE.get(group, {})).get(typed, near[0] if near else "")
    if group == "data" and typed not in plain | OPTIONS_ELSEWHERE["data"]:
        hint = f"for the images in a folder of your own: data=folder data.root={name}"
    else:
        hint = f"did you mean {group}={option}?" if option in names else ""
    there_are = f"there are {', '.join(names)}"
    return InputError(f"{group}={name}: no such {group}; {f'{hint} ({there_are})' if hint else there_are}")
