"""What learners type wrongly, and the whole answer to it: one line, true, and the right remedy or none."""

import pytest
from support.commands import train_here

SIZES = "'model.hidden_sizes=[512,512]'"
A_LIST = "must be a list of integers, each at least 1, such as [512,512] or []"
SEE_HELP = "python train.py --help shows what can be typed"
NEITHER = f"neither a setting (KEY=VALUE) nor a choice (GROUP=NAME); {SEE_HELP}"
MODELS = "there are deep, dropout, mlp, perceptron, wide"
DATA = "there are digits, fashion_mnist, folder, kmnist, mnist"
LOSSES = "there are bce, cross_entropy, mse"
EACH = "to train with each of these values: python train.py -m"
OWN = "for the images in a folder of your own: data=folder data.root="
JOIN = "write it without spaces"
DASHES = "settings have no dashes"
EQUALS = "settings are written with ="

# Words are separated as a shell separates them: by the spaces here, since no shell is asked.
ANSWERS = {
    # names from elsewhere
    "lr=0.1": "lr=0.1: there is no lr; did you mean optimizer.lr=0.1?",
    "learning_rate=0.1": "learning_rate=0.1: there is no learning_rate; did you mean optimizer.lr=0.1?",
    "epochs=5": "epochs=5: there is no epochs; did you mean trainer.max_epochs=5?",
    "num_epochs=5": "num_epochs=5: there is no num_epochs; did you mean trainer.max_epochs=5?",
    "batch_size=64": "batch_size=64: there is no batch_size; did you mean data.batch_size=64?",
    "units=512": f"units=512: there is no units; did you mean {SIZES}?",
    "layers=3": f"layers=3: there is no layers; did you mean {SIZES}?",
    "hidden=128,64": "hidden=128,64: there is no hidden; did you mean 'model.hidden_sizes=[128,64]'?",
    "dropout=0.2": "dropout=0.2: there is no dropout; did you mean model.dropout=0.2?",
    "activation=relu": "activation=relu: there is no activation; did you mean model.activation=relu?",
    "momentum=0.9": "momentum=0.9: there is no momentum; did you mean optimizer.momentum=0.9?",
    "matmul_precision=low": "matmul_precision=low: must be one of highest, high, medium",
    "monitor=val_loss": "monitor=val_loss: the lowest is the best; add mode=min",
    "mode=min": "monitor=val_accuracy: the highest is the best; add mode=max",
    "validation_split=0.1": "validation_split=0.1: there is no validation_split; did you mean data.val_fraction=0.1?",
    "device=cuda": "device=cuda: there is no device; did you mean trainer=gpu or trainer=cpu?",
    "gpu=1": "gpu=1: there is no gpu; did you mean trainer=gpu or trainer=cpu?",
    "dataset=mnist": "dataset=mnist: there is no dataset; did you mean data=mnist?",
    "optimiser=adam": "optimiser=adam: there is no optimiser; did you mean optimizer=adam?",
    "modle=wide": "modle=wide: there is no modle; did you mean model=wide?",
    "Model=mlp": "Model=mlp: there is no Model; did you mean model=mlp?",
    "ckpt_path=x": "ckpt_path=x: there is no ckpt_path; did you mean resume=x?",
    "output_dir=x": "output_dir=x: there is no output_dir; did you mean hydra.run.dir=x?",
    "workers=4": "unknown key workers; python train.py --cfg job shows them all",
    "verbose=1": "unknown key verbose; python train.py --cfg job shows them all",
    "model.units=512": "unknown key model.units; did you mean model.hidden_sizes?",
    "trainer.lr=0.1": "trainer.lr: Trainer has no lr; did you mean optimizer.lr?",
    "data.path=x": "unknown key data.path; did you mean data.root?",
    # options that there are not
    "model=MLP": f"model=MLP: no such model; did you mean model=mlp? ({MODELS})",
    "model=cnn": f"model=cnn: no such model; {MODELS}",
    "model=dropuot": f"model=dropuot: no such model; did you mean model=dropout? ({MODELS})",
    "model=": f"model=: no such model; {MODELS}",
    "loss=categorical_crossentropy": "loss=categorical_crossentropy: no such loss; did you mean loss=cross_entropy?"
    f" ({LOSSES})",
    "data=MNIST": f"data=MNIST: no such data; did you mean data=mnist? ({DATA})",
    "data=fashion": f"data=fashion: no such data; did you mean data=fashion_mnist? ({DATA})",
    "data=my_digits": f"data=my_digits: no such data; {OWN}my_digits ({DATA})",
    "augment=true": "augment=true: no such augment; there are distort, distort_more, handwriting, none, own",
    "hydra/launcher=foo": "hydra/launcher=foo: no such hydra/launcher; there are basic, joblib, submitit_local,"
    " submitit_slurm",
    # words
    "mlp": "mlp: write experiment=mlp or model=mlp",
    "model": f"model: write model=NAME; {MODELS}",
    "epochs": "epochs: write trainer.max_epochs=VALUE or study=epochs",
    "resume": "resume: write resume=VALUE",
    "lr 0.1": f"lr: {EQUALS}: optimizer.lr=0.1",
    "model wide": f"model: {EQUALS}: model=wide",
    "seed: 1": f"seed:: {EQUALS}: seed=1",
    "model:mlp": f"model:mlp: {EQUALS}: model=mlp",
    "model/mlp": f"model/mlp: {EQUALS}: model=mlp",
    "model = dropout": f"model = dropout: {JOIN}: model=dropout",
    "model= dropout": f"model= dropout: {JOIN}: model=dropout",
    "model =dropout": f"model =dropout: {JOIN}: model=dropout",
    "model.hidden_sizes=[64, 64]": f"model.hidden_sizes=[64, 64]: {JOIN}: 'model.hidden_sizes=[64,64]'",
    "model.hidden_sizes=[64 32]": f"model.hidden_sizes=[64 32]: {JOIN}: 'model.hidden_sizes=[64,32]'",
    "model=mlp and seed=1": f"and: {NEITHER}",
    "predict run=X": "predict: a command of its own: python -m mnist_mlp.predict",
    "train": f"train: {NEITHER}",
    "photos": "photos: to train on the images in a folder: data=folder data.root=photos; to continue a run:"
    " resume=photos",
    "photo.png": "photo.png: to read the digits in a picture: python -m mnist_mlp.predict photo.png",
    # dashes
    "--epochs 5": f"--epochs: {DASHES}: trainer.max_epochs=5",
    "--lr=0.1": f"--lr=0.1: {DASHES}: optimizer.lr=0.1",
    "--batch-size 64": f"--batch-size: {DASHES}: data.batch_size=64",
    "--model mlp": f"--model: {DASHES}: model=mlp",
    "-seed 1": f"-seed: {DASHES}: seed=1",
    "--gpu": f"--gpu: {DASHES}: trainer=gpu or trainer=cpu",
    "--verbose": f"--verbose: no such option; {SEE_HELP}",
    "-v": f"-v: no such option; {SEE_HELP}",
    "--cfg": f"argument --cfg/-c: expected one argument; {SEE_HELP}",
    "--config-name foo": "foo: there is no such config file",
    # pasted from a web page
    "“model=mlp”": "“model=mlp”: '“' is the left double quotation mark of a pasted text; type a plain \" instead",
    "model=‘mlp’": "model=‘mlp’: '‘' is the left single quotation mark of a pasted text; type a plain ' instead",
    "—multirun model=mlp": "—multirun: '—' is the em dash of a pasted text; type - instead",
    "optimizer.lr=1e−3": "optimizer.lr=1e−3: '−' is the minus sign of a pasted text; type - instead",
    # values
    "seed=a": "seed=a: must be an integer, at least 0",
    "trainer.max_epochs=5.0": "trainer.max_epochs=5.0: must be an integer, at least 1",
    "trainer.max_epochs=0": "trainer.max_epochs=0: must be an integer, at least 1",
    "trainer.max_epochs=1,000": "trainer.max_epochs=1,000: a number has no comma: trainer.max_epochs=1000",
    "optimizer.lr=0,001": "optimizer.lr=0,001: a number has no comma: optimizer.lr=0.001",
    "optimizer.lr=1e-3x": "optimizer.lr=1e-3x: must be a number above 0",
    "optimizer.lr=10^-3": "optimizer.lr=10^-3: must be a number above 0",
    "model.dropout=30%": "model.dropout=30%: must be a number in [0, 1)",
    "model.hidden_sizes=512": f"model.hidden_sizes=512: {A_LIST}",
    "model.hidden_sizes=512,512": f"model.hidden_sizes=512,512: a list needs brackets: {SIZES}",
    "model.hidden_sizes=(512,512)": f"model.hidden_sizes=(512,512): {A_LIST}",
    "model.hidden_sizes=[512,512": "model.hidden_sizes=[512,512: a ] is missing",
    'model="mlp': 'model="mlp: a " is missing',
    "seed==1": "seed==1: one = is enough: seed=1",
    "seed=1,": "seed=1,: settings are separated by spaces, not by ,",
    "model=mlp;seed=1": "model=mlp;seed=1: settings are separated by spaces, not by ;",
    "a=b=c": f"a=b=c: cannot be read as KEY=VALUE; {SEE_HELP}",
    "=5": f"=5: cannot be read as KEY=VALUE; {SEE_HELP}",
    "+optimizer.x=a'b'c": "+optimizer.x=a'b'c: Hydra reads some of these characters as its own; quote the value, and"
    " all for the shell: \"+optimizer.x='a'b'c'\"",
    "data.root=": "data.root=: must be a file or folder",
    "checkpoint=best.ckpt": "checkpoint=best.ckpt: no such file; a run has RUN/checkpoints/last.ckpt",
    # sweeps
    "optimizer=adam,sgd": f"optimizer=adam,sgd: {EACH} optimizer=adam,sgd",
    "seed=range(3)": f"seed=range(3): {EACH} 'seed=range(3)'",
    "study=dropout,width": "study=dropout,width: one at a time",
}


@pytest.mark.parametrize("command", ANSWERS)
def test_the_answer_is_one_true_line(command, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photo.png").touch()
    result = train_here(tmp_path, *command.split(" "))
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"error: {ANSWERS[command]}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "photos"]
