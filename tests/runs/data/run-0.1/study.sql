BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'digits');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',1,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["val_loss", "total_params"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'asymnas:objectives','[{"name": "val_loss", "maximize": false}, {"name": "total_params", "maximize": false}]');
INSERT INTO "study_user_attributes" VALUES(2,1,'asymnas:purpose','"search"');
INSERT INTO "study_user_attributes" VALUES(3,1,'asymnas:pinned','{"dataset": "digits", "image_size": null, "name": "digits", "family": "dense", "kind": "plain", "budget": 3000, "max_encoder_params": null, "max_decoder_params": null, "max_macs": null, "objectives": ["val_loss", "total_params"], "latent": 4, "bottleneck": "dense", "examples": 1024, "batch_size": 64, "learning_rates": [0.001, 0.016], "sampler": "tpe", "pruner": "rank", "symmetric": false, "enqueue": [], "seed": 0, "choices": {"encoder_depth": [1, 2, 3, 4], "encoder_growth": [0.5, 0.75, 1.0, 1.25, 1.5], "encoder_activation": ["relu", "silu", "tanh"], "decoder_depth": [1, 2, 3, 4], "decoder_growth": [0.5, 0.75, 1.0, 1.25, 1.5], "decoder_activation": ["relu", "silu", "tanh"]}, "purpose": "search"}');
INSERT INTO "study_user_attributes" VALUES(4,1,'asymnas:lease','{}');
INSERT INTO "study_user_attributes" VALUES(5,1,'asymnas:config','{"dataset": "digits", "data_root": null, "download": false, "image_size": null, "name": "digits", "family": "dense", "kind": "plain", "budget": 3000, "max_encoder_params": null, "max_decoder_params": null, "max_macs": null, "objectives": ["val_loss", "total_params"], "metrics": ["active_units", "decoder_latency_1", "decoder_latency_64", "encoder_latency_1", "encoder_latency_64", "knn_accuracy", "mae", "mse", "probe_accuracy", "psnr"], "latent": 4, "bottleneck": "dense", "trials": 3, "timeout": null, "examples": 1024, "batch_size": 64, "learning_rates": [0.001, 0.016], "sampler": "tpe", "pruner": "rank", "symmetric": false, "enqueue": [], "workers": 1, "device": "auto", "precision": "fp32", "seed": 0, "run_dir": "runs/tiny", "storage": ""}');
INSERT INTO "study_user_attributes" VALUES(6,1,'asymnas:design','{}');
INSERT INTO "study_user_attributes" VALUES(7,1,'asymnas:setup','{"python": "3.11.7", "system": "Linux", "asymnas": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1", "optuna": "5.0.0", "moocore": "0.3.2", "scikit-learn": "1.9.1", "numpy": "2.4.6", "processor": "a processor", "cores": "2", "data": "values 0 \u2026 16 scaled to 0 \u2026 255"}');
INSERT INTO "study_user_attributes" VALUES(8,1,'asymnas:wall_seconds','127.21382755600007');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'encoder_depth',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(2,1,'encoder_growth',1.0,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'encoder_activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(4,1,'decoder_depth',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(5,1,'decoder_growth',1.0,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'decoder_activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(7,1,'encoder_width',1.32611331355695361011e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'decoder_width',2.98185898364718648956e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(9,1,'learning_rate',2.76564948777387794448e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.016, "log": true}}');
INSERT INTO "trial_params" VALUES(10,2,'encoder_depth',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(11,2,'encoder_growth',0.75,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(12,2,'encoder_activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(13,2,'decoder_depth',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(14,2,'decoder_growth',1.25,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(15,2,'decoder_activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(16,2,'encoder_width',6.01653995688678500108e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(17,2,'decoder_width',2.10241099862531921615e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,2,'learning_rate',6.72194071527726887127e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.016, "log": true}}');
INSERT INTO "trial_params" VALUES(19,3,'encoder_depth',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(20,3,'encoder_growth',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(21,3,'encoder_activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(22,3,'decoder_depth',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}');
INSERT INTO "trial_params" VALUES(23,3,'decoder_growth',1.25,'{"name": "FloatDistribution", "attributes": {"step": 0.25, "low": 0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(24,3,'decoder_activation',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu", "tanh"]}}');
INSERT INTO "trial_params" VALUES(25,3,'encoder_width',9.68972932427274558087e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(26,3,'decoder_width',5.33838874344728431253e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(27,3,'learning_rate',3.2477482204900458805e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 0.016, "log": true}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'architecture','{"family": "dense", "encoder": {"widths": [2, 2, 2], "activation": "tanh"}, "decoder": {"widths": [4, 4, 4], "activation": "silu"}, "shape": [1, 8, 8], "latent": 4, "bottleneck": "dense", "kind": "plain"}');
INSERT INTO "trial_user_attributes" VALUES(2,1,'total_params','534');
INSERT INTO "trial_user_attributes" VALUES(3,1,'decoder_share','0.7116104868913857');
INSERT INTO "trial_user_attributes" VALUES(4,1,'details','{"quota": true, "learning_rate": 0.002765649487773878, "encoder_params": 154, "decoder_params": 380, "total_macs": 448, "encoder_macs": 144, "decoder_macs": 304, "shared_params": 0, "encoder_dense_fraction": 1.0, "decoder_dense_fraction": 1.0}');
INSERT INTO "trial_user_attributes" VALUES(5,1,'seconds','68.126');
INSERT INTO "trial_user_attributes" VALUES(6,1,'curve','[[192, 0.22944188357649983], [320, 0.22301328046755356], [704, 0.2087269570235606], [1024, 0.2008434816465511]]');
INSERT INTO "trial_user_attributes" VALUES(7,1,'metrics','{"active_units": 1.0, "decoder_latency_1": 0.06283800030359998, "decoder_latency_64": 0.07182999934229883, "encoder_latency_1": 0.05843899998581037, "encoder_latency_64": 0.0686390003465931, "knn_accuracy": 0.2517482517482518, "mae": 0.2995854558853003, "mse": 0.2008434816465511, "probe_accuracy": 0.2727272727272727, "psnr": 7.025488776760501, "train_loss": 0.2034013271331787}');
INSERT INTO "trial_user_attributes" VALUES(8,2,'architecture','{"family": "dense", "encoder": {"widths": [10, 8, 6, 4], "activation": "relu"}, "decoder": {"widths": [3, 4, 5], "activation": "silu"}, "shape": [1, 8, 8], "latent": 4, "bottleneck": "dense", "kind": "plain"}');
INSERT INTO "trial_user_attributes" VALUES(9,2,'total_params','1160');
INSERT INTO "trial_user_attributes" VALUES(10,2,'decoder_share','0.27586206896551724');
INSERT INTO "trial_user_attributes" VALUES(11,2,'details','{"quota": false, "learning_rate": 0.006721940715277269, "encoder_params": 840, "decoder_params": 320, "total_macs": 1052, "encoder_macs": 808, "decoder_macs": 244, "shared_params": 0, "encoder_dense_fraction": 1.0, "decoder_dense_fraction": 1.0}');
INSERT INTO "trial_user_attributes" VALUES(12,2,'seconds','3.064');
INSERT INTO "trial_user_attributes" VALUES(13,2,'curve','[[192, 0.20745726596642208], [320, 0.19646919971996255], [704, 0.16738138801151223], [1024, 0.1526654832638227]]');
INSERT INTO "trial_user_attributes" VALUES(14,2,'metrics','{"active_units": 1.0, "decoder_latency_1": 0.16079699980764417, "decoder_latency_64": 0.15343799987022066, "encoder_latency_1": 0.18200200065621175, "encoder_latency_64": 0.18511250027586357, "knn_accuracy": 0.34265734265734266, "mae": 0.26978067741110606, "mse": 0.1526654832638227, "probe_accuracy": 0.2937062937062937, "psnr": 8.216654547444591, "train_loss": 0.1538571001558037}');
INSERT INTO "trial_user_attributes" VALUES(15,3,'architecture','{"family": "dense", "encoder": {"widths": [27, 13, 7], "activation": "relu"}, "decoder": {"widths": [9], "activation": "tanh"}, "shape": [1, 8, 8], "latent": 4, "bottleneck": "dense", "kind": "plain"}');
INSERT INTO "trial_user_attributes" VALUES(16,3,'total_params','2934');
INSERT INTO "trial_user_attributes" VALUES(17,3,'decoder_share','0.2334696659850034');
INSERT INTO "trial_user_attributes" VALUES(18,3,'details','{"quota": false, "learning_rate": 0.003247748220490046, "encoder_params": 2249, "decoder_params": 685, "total_macs": 2810, "encoder_macs": 2198, "decoder_macs": 612, "shared_params": 0, "encoder_dense_fraction": 1.0, "decoder_dense_fraction": 1.0}');
INSERT INTO "trial_user_attributes" VALUES(19,3,'seconds','0.06');
INSERT INTO "trial_user_attributes" VALUES(20,3,'curve','[[192, 0.2324522995240205]]');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,2.00843481646551108577e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,1,1,534.0,'FINITE');
INSERT INTO "trial_values" VALUES(3,2,0,1.52665483263822704396e-01,'FINITE');
INSERT INTO "trial_values" VALUES(4,2,1,1160.0,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-26 01:12:31.451991','2026-11-26 01:14:24.949646');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-26 01:14:26.011467','2026-11-26 01:14:33.374603');
INSERT INTO "trials" VALUES(3,2,1,'PRUNED','2026-11-26 01:14:34.510848','2026-11-26 01:14:36.008491');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
